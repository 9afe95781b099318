/* Signals as events of the main thread. */
#ifndef CPLATFORM_SIGNALS_H
#define CPLATFORM_SIGNALS_H
#include <stdint.h>

/* Blocks SIGTERM, SIGINT and SIGHUP for this thread and those it starts, and ignores SIGPIPE. Call before any thread starts. */
void cplatform_signals_hold(void);
/* Waits for one of the three; `timeout_ms` negative = for ever. The signal's number, or 0 when time is up. */
int cplatform_signals_wait(int64_t timeout_ms);
#endif
