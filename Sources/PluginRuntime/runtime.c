#include "plugin_runtime.h"
