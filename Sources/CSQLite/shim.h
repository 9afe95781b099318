#pragma once
#include <sqlite3.h>

/* SQLITE_TRANSIENT is a cast in a macro, which Swift does not import. */
static inline sqlite3_destructor_type csqlite_transient(void) { return SQLITE_TRANSIENT; }

/* Extended result codes are computed by macros, which Swift does not import either. */
static const int csqlite_constraint_unique = SQLITE_CONSTRAINT_UNIQUE;
static const int csqlite_constraint_primarykey = SQLITE_CONSTRAINT_PRIMARYKEY;
