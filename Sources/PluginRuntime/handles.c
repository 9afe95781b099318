/* handles.c - generation-checked handles, and the map from the host's tokens to roots.
 *
 * A handle is {generation << 32 | slot}. Generations have 31 bits, are never 0 and start at a random number for each
 * instance, so that a handle of another instance is most unlikely to fit. The token of a request is its handle with
 * bit 63 set. */
#include "internal.h"

#include <stdlib.h>

static uint32_t next_generation(uint32_t generation) {
  generation = (generation + 1) & 0x7fffffffu;
  return generation ? generation : 1;
}

static bool grow_slots(apr_runtime *runtime) {
  uint32_t capacity = runtime->slot_capacity ? runtime->slot_capacity * 2 : 64;
  if (capacity > (1u << 24)) return false;
  apr_slot *slots = realloc(runtime->slots, capacity * sizeof *slots);
  if (!slots) return false;
  runtime->slots = slots;
  runtime->slot_capacity = capacity;
  return true;
}

/* A new handle for `object`; 0 when memory runs out. */
ap_handle apr_handle_make_locked(apr_runtime *runtime, apr_type type, void *object) {
  uint32_t index;
  if (runtime->first_free) {
    index = runtime->first_free - 1;
    runtime->first_free = runtime->slots[index].next_free;
  } else {
    if (runtime->slot_count == runtime->slot_capacity && !grow_slots(runtime)) return 0;
    index = runtime->slot_count++;
    runtime->slots[index].generation = runtime->first_generation;
  }
  apr_slot *slot = &runtime->slots[index];
  slot->type = type;
  slot->object = object;
  slot->finished = false;
  slot->next_free = 0;
  return (uint64_t)slot->generation << 32 | index;
}

static apr_slot *slot_of(apr_runtime *runtime, ap_handle handle) {
  uint32_t index = (uint32_t)handle;
  return index < runtime->slot_count ? &runtime->slots[index] : NULL;
}

/* The object behind a handle of this type; null if the handle is stale, foreign or of another type. */
void *apr_handle_find_locked(apr_runtime *runtime, ap_handle handle, apr_type type) {
  apr_slot *slot = slot_of(runtime, handle);
  if (!slot || slot->generation != handle >> 32 || slot->type != type) return NULL;
  return slot->object;
}

/* Makes the handle stale. `finished`: the plugin itself ended it, a second end would be its mistake. */
void apr_handle_release_locked(apr_runtime *runtime, ap_handle handle, bool finished) {
  apr_slot *slot = slot_of(runtime, handle);
  if (!slot || slot->generation != handle >> 32) return;
  slot->generation = next_generation(slot->generation);
  slot->type = APR_FREE;
  slot->object = NULL;
  slot->finished = finished;
  slot->next_free = runtime->first_free;
  runtime->first_free = (uint32_t)handle + 1;
}

/* Whether this stale handle was ended by the plugin, as far as the slot remembers. */
bool apr_handle_was_finished_locked(apr_runtime *runtime, ap_handle handle) {
  apr_slot *slot = slot_of(runtime, handle);
  return slot && slot->type == APR_FREE && slot->finished &&
         slot->generation == next_generation((uint32_t)(handle >> 32));
}

/* The turn, call or (0) instance of a scope; null if it is stale. */
apr_root *apr_scope_find_locked(apr_runtime *runtime, ap_handle scope) {
  if (scope == 0) return &runtime->root;
  apr_root *root = apr_handle_find_locked(runtime, scope, APR_TURN);
  return root ? root : apr_handle_find_locked(runtime, scope, APR_CALL);
}

/* ---- tokens ---- */

static size_t bucket_of(const apr_runtime *runtime, uint64_t token) {
  return (token * 0x9e3779b97f4a7c15ull >> 20) & (runtime->bucket_count - 1);
}

static bool grow_buckets(apr_runtime *runtime) {
  size_t count = runtime->bucket_count ? runtime->bucket_count * 2 : 64;
  apr_root **old = runtime->buckets, **buckets = calloc(count, sizeof *buckets);
  if (!buckets) return false;
  size_t old_count = runtime->bucket_count;
  runtime->buckets = buckets;
  runtime->bucket_count = count;
  for (size_t i = 0; i < old_count; i++) {
    apr_root *root = old[i];
    while (root) {
      apr_root *next = root->bucket_next;
      size_t bucket = bucket_of(runtime, root->token);
      root->bucket_next = buckets[bucket];
      buckets[bucket] = root;
      root = next;
    }
  }
  free(old);
  return true;
}

/* False when memory runs out. The token must not be known yet. */
bool apr_token_insert_locked(apr_runtime *runtime, apr_root *root) {
  if (runtime->root_count >= runtime->bucket_count && !grow_buckets(runtime)) return false;
  size_t bucket = bucket_of(runtime, root->token);
  root->bucket_next = runtime->buckets[bucket];
  runtime->buckets[bucket] = root;
  runtime->root_count++;
  return true;
}

apr_root *apr_token_find_locked(apr_runtime *runtime, uint64_t token) {
  if (!runtime->bucket_count) return NULL;
  apr_root *root = runtime->buckets[bucket_of(runtime, token)];
  while (root && root->token != token) root = root->bucket_next;
  return root;
}

void apr_token_remove_locked(apr_runtime *runtime, apr_root *root) {
  apr_root **link = &runtime->buckets[bucket_of(runtime, root->token)];
  while (*link && *link != root) link = &(*link)->bucket_next;
  if (!*link) return;
  *link = root->bucket_next;
  runtime->root_count--;
}
