/* Compiles the headers as C11; their AP_FROZEN lines check the layout of every struct. */
#include "agent_plugin.h"
