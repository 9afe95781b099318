/* crash_text.c - text put together in a signal handler: no stdio, no locale, no memory. */
#include "crash.h"

#include <errno.h>
#include <unistd.h>

static void add(apr_text *text, char byte) {
  if (text->length < sizeof text->bytes) text->bytes[text->length++] = byte;
}

void apr_text_add(apr_text *text, const char *words) {
  while (*words) add(text, *words++);
}

void apr_text_add_some(apr_text *text, const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) add(text, bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?');
}

static void digits(apr_text *text, uint64_t number, unsigned base, unsigned least) {
  char reversed[20];
  unsigned count = 0;
  do {
    reversed[count++] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number);
  while (count < least) reversed[count++] = '0';
  while (count) add(text, reversed[--count]);
}

void apr_text_number(apr_text *text, int64_t number) {
  if (number < 0) add(text, '-');
  digits(text, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10, 1);
}

void apr_text_hex(apr_text *text, uint64_t number) {
  apr_text_add(text, "0x");
  digits(text, number, 16, 1);
}

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days; for times after 1970. */
void apr_text_time(apr_text *text, int64_t seconds, bool for_file) {
  int64_t days = seconds / 86400, second = seconds % 86400;
  int64_t z = days + 719468, era = z / 146097, day_of_era = z - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted = (5 * day_of_year + 2) / 153, month = shifted < 10 ? shifted + 3 : shifted - 9;
  const char *dash = for_file ? "" : "-", *colon = for_file ? "" : ":";
  digits(text, (uint64_t)(year_of_era + era * 400 + (month <= 2)), 10, 4);
  apr_text_add(text, dash);
  digits(text, (uint64_t)month, 10, 2);
  apr_text_add(text, dash);
  digits(text, (uint64_t)(day_of_year - (153 * shifted + 2) / 5 + 1), 10, 2);
  add(text, 'T');
  digits(text, (uint64_t)(second / 3600), 10, 2);
  apr_text_add(text, colon);
  digits(text, (uint64_t)(second / 60 % 60), 10, 2);
  apr_text_add(text, colon);
  digits(text, (uint64_t)(second % 60), 10, 2);
  add(text, 'Z');
}

void apr_text_write(const apr_text *text, int descriptor) {
  for (size_t at = 0; at < text->length;) {
    ssize_t count = write(descriptor, text->bytes + at, text->length - at);
    if (count > 0) at += (size_t)count;
    else if (count == 0 || errno != EINTR) return;
  }
}
