// Threads of our own: named, with signals other than faults blocked, so that the client's handlers run on its
// threads.
#pragma once
#include <pthread.h>

#include "base/status.h"

namespace belay {

// `name` has at most 15 characters. The thread must be joined or detached.
Result<pthread_t> StartThread(const char* name, void* (*main)(void*), void* arg);

}  // namespace belay
