/* jansson.h - jansson's loops for cppcheck, which does not read system headers and stops at
 * a macro that it does not know. Included by ./dev lint, by nothing else. */
#define json_object_foreach(object, key, value) \
        for (key = "", value = json_object_get(object, key); value; value = 0)
#define json_array_foreach(array, index, value) \
        for (index = 0; index < json_array_size(array) && (value = json_array_get(array, index)); index++)
