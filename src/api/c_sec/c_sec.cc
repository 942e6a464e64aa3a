// libc_sec.so: the checked string functions that clients take from CANN's libraries.
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace {

constexpr int kReset = 128;  // added to an error number: the destination was made empty

int Refuse(char* dest, int error) {
  *dest = '\0';
  return error + kReset;
}

}  // namespace

extern "C" {

int strcpy_s(char* dest, size_t dest_size, const char* src) {
  if (dest_size == 0) return ERANGE;
  if (dest == nullptr) return EINVAL;
  if (src == nullptr) return Refuse(dest, EINVAL);
  const size_t bytes = strnlen(src, dest_size) + 1;
  if (bytes > dest_size) return Refuse(dest, ERANGE);
  std::memmove(dest, src, bytes);
  return 0;
}

// Writes at most `count` characters; -1 when the text was longer than that or than the destination, which is then
// made empty.
int vsnprintf_s(char* dest, size_t dest_size, size_t count, const char* format, va_list args) {
  if (dest == nullptr || dest_size == 0) return -1;
  *dest = '\0';
  if (format == nullptr) return -1;
  const size_t room = count < dest_size ? count + 1 : dest_size;
  const int length = std::vsnprintf(dest, room, format, args);
  if (length >= 0 && static_cast<size_t>(length) < room) return length;
  if (length < 0 || count >= dest_size) *dest = '\0';
  return -1;
}

int snprintf_s(char* dest, size_t dest_size, size_t count, const char* format, ...) {
  va_list args;
  va_start(args, format);
  const int length = vsnprintf_s(dest, dest_size, count, format, args);
  va_end(args);
  return length;
}

}  // extern "C"
