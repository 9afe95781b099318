/* crash_modules.c - which files are mapped where, and which plugin they belong to: noted in quiet times, read in a signal handler. What
 * was noted stays for good, as the mapped code does. */
#include "crash.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct apr_map {
  const struct apr_map *previous; /* not freed: a handler may be reading it */
  size_t count, capacity;
  apr_module modules[];
} apr_map;

#define MOST_MODULES 1024
#define MOST_LIBRARIES 512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(const apr_map *) current_map;
static apr_library libraries[MOST_LIBRARIES];
static atomic_size_t library_count;

/* ---- modules ---- */

static void note_build_id(apr_module *module, const char *at, size_t size) {
  while (size >= sizeof(ElfW(Nhdr))) {
    const ElfW(Nhdr) *note = (const void *)at;
    size_t name = (note->n_namesz + 3u) & ~3u, content = (note->n_descsz + 3u) & ~3u, whole = sizeof *note + name + content;
    if (whole > size) return;
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(at + sizeof *note, "GNU", 4) == 0) {
      const unsigned char *id = (const unsigned char *)at + sizeof *note + name;
      for (size_t i = 0; i < note->n_descsz && i < sizeof module->build_id / 2; i++) sprintf(module->build_id + 2 * i, "%02x", id[i]);
      return;
    }
    at += whole;
    size -= whole;
  }
}

/* The path of a module is kept for good; modules that were known keep theirs. */
static const char *path_of(const char *name) {
  static char program[PATH_MAX];
  if (!*name) {
    if (!*program && readlink("/proc/self/exe", program, sizeof program - 1) < 0) return "the program";
    return program;
  }
  const apr_map *known = atomic_load(&current_map);
  for (size_t i = 0; known && i < known->count; i++) {
    if (strcmp(known->modules[i].path, name) == 0) return known->modules[i].path;
  }
  const char *copy = strdup(name);
  return copy ? copy : "";
}

static int note_module(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  apr_map *map = context;
  if (map->count == map->capacity) return 1;
  apr_module *module = &map->modules[map->count];
  *module = (apr_module){.start = UINTPTR_MAX, .base = info->dlpi_addr};
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_LOAD && header->p_flags & PF_X) {
      if (start < module->start) module->start = start;
      if (start + header->p_memsz > module->end) module->end = start + header->p_memsz;
    } else if (header->p_type == PT_NOTE) {
      note_build_id(module, (const char *)start, header->p_memsz);
    }
  }
  if (!module->end) return 0;
  module->path = path_of(info->dlpi_name);
  map->count++;
  return 0;
}

void apr_modules_update(void) {
  if (!apr_crash_is_installed()) return;
  pthread_mutex_lock(&lock);
  apr_map *map = malloc(sizeof *map + MOST_MODULES * sizeof *map->modules);
  if (map) {
    *map = (apr_map){.capacity = MOST_MODULES, .previous = atomic_load(&current_map)};
    dl_iterate_phdr(note_module, map);
    apr_map *fitting = realloc(map, sizeof *map + map->count * sizeof *map->modules);
    /* A few kilobytes for each library that is ever loaded. */
    atomic_store(&current_map, fitting ? fitting : map);
  }
  pthread_mutex_unlock(&lock);
}

const apr_module *apr_module_at(uintptr_t address) {
  const apr_map *map = atomic_load(&current_map);
  for (size_t i = 0; map && i < map->count; i++) {
    if (address >= map->modules[i].start && address < map->modules[i].end) return &map->modules[i];
  }
  return NULL;
}

const char *apr_file_name(const char *path) {
  const char *name = path;
  for (const char *at = path; *at; at++) {
    if (*at == '/') name = at + 1;
  }
  return name;
}

/* ---- plugins ---- */

const apr_library *apr_library_note(ap_str id, ap_str version, ap_str path) {
  const apr_library *noted = NULL;
  pthread_mutex_lock(&lock);
  size_t count = atomic_load(&library_count);
  for (size_t i = 0; i < count && !noted; i++) {
    const apr_library *known = &libraries[i];
    if (strlen(known->id) == id.len && memcmp(known->id, id.ptr, id.len) == 0 && strlen(known->version) == version.len &&
        memcmp(known->version, version.ptr, version.len) == 0 && strlen(known->path) == path.len &&
        memcmp(known->path, path.ptr, path.len) == 0)
      noted = known;
  }
  if (!noted && count < MOST_LIBRARIES) {
    apr_library library = {
        .id = strndup(id.ptr, id.len), .version = strndup(version.ptr, version.len), .path = strndup(path.ptr, path.len)};
    if (library.id && library.version && library.path) {
      library.folder = (size_t)(apr_file_name(library.path) - library.path);
      libraries[count] = library;
      noted = &libraries[count];
      atomic_store(&library_count, count + 1);
    }
  }
  pthread_mutex_unlock(&lock);
  return noted;
}

const apr_library *apr_library_of(const apr_module *module) {
  if (!module) return NULL;
  const apr_library *beside = NULL;
  size_t count = atomic_load(&library_count);
  for (size_t i = count; i-- > 0;) {
    const apr_library *library = &libraries[i];
    if (strcmp(library->path, module->path) == 0) return library;
    if (library->folder && strncmp(library->path, module->path, library->folder) == 0) beside = library;
  }
  return beside;
}
