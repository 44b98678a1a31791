/* interrupt.c - the signal handler and what it leaves behind. */
#include "harness/cli/interrupt.h"

#include <unistd.h>

volatile sig_atomic_t interrupt_signal;

int interrupt_exit_code(void)
{
        return interrupt_signal == SIGINT ? 130 : 143;
}

static void on_signal(int number)
{
        if (interrupt_signal != 0)
                _exit(number == SIGINT ? 130 : 143);
        interrupt_signal = number;
}

void interrupt_watch(void)
{
        struct sigaction action = {.sa_handler = on_signal};
        const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

        sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                sigaction(numbers[i], &action, NULL);
}
