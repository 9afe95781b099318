/* self.h - stands for the process id of the worker in the compiled filters. */
#ifndef WORKER_SELF_H
#define WORKER_SELF_H
#define FILTER_SELF 0x2a5e1f2au
#endif
