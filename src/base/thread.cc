#include "base/thread.h"

#include <csignal>
#include <cstring>

namespace belay {

Result<pthread_t> StartThread(const char* name, void* (*main)(void*), void* arg) {
  sigset_t blocked, before;
  sigfillset(&blocked);
  // Faults of a thread go to the thread itself: blocked, they would kill the process without the client's report.
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) {
    sigdelset(&blocked, fault);
  }
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  pthread_t thread;
  int error = pthread_create(&thread, nullptr, main, arg);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return OutOfMemory("no thread for {}: {}", name, strerror(error));
  pthread_setname_np(thread, name);
  return thread;
}

}  // namespace belay
