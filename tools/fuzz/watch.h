// What a model may take. A graph that asks for more than there is is no find, and neither is a loop without an end: a
// thread watches the process and ends it with a status of its own.
#pragma once

namespace belay::fuzz {

constexpr int kTooLarge = 77, kEndless = 78;  // exit statuses

// From now on: more than `megabytes` in memory exits with kTooLarge. One input that takes more than 20 seconds of CPU
// time, or of 200 while nothing happens, aborts; where MayNotEnd was called for it, 3 of CPU time exit with kEndless.
void WatchThisProcess(int megabytes);
void NextInput();
void MayNotEnd();

}  // namespace belay::fuzz
