#include "base/thread.h"

#include <csignal>
#include <cstring>

namespace belay {

Result<pthread_t> StartThread(const char* name, void* (*main)(void*), void* arg) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, nullptr, main, arg);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return OutOfMemory("no thread for {}: {}", name, strerror(error));
  pthread_setname_np(thread, name);
  return thread;
}

}  // namespace belay
