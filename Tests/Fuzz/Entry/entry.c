/* The entry of a fuzz program: libFuzzer calls one function of a fixed name, the Swift library holds several targets.
 * Compiled once per target with -DTARGET=<name of its function>. */
#include <stddef.h>
#include <stdint.h>

int TARGET(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return TARGET(data, size); }
