/* faults/fault_list.h - every kind of fault, one line each, in catalogue order.
 *
 * FAULT(x) stands for `const struct fault_ops fault_x`, which faults/x.c (or
 * the file of the family) defines.
 */
FAULT(latency)
FAULT(error)
FAULT(memory_leak)
FAULT(crash)
