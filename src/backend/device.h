// Devices, contexts and the live set of stream handles. Handles are opaque numbers that are never reused, so
// a destroyed or foreign one is recognised. Error codes: kNotFound no context on this thread,
// kInvalidArgument bad id or unknown handle, kFailedPrecondition the call does not fit the state.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "backend/stream.h"
#include "base/status.h"

namespace belay {

// The devices this process sees: BELAY_DEVICES (default 1) filtered by ASCEND_RT_VISIBLE_DEVICES.
int DeviceCount();
// The physical number behind a logical one.
Result<int> PhysicalDevice(int device);

// Retains the device's default context and makes it current on this thread.
Status SetDevice(int device);
// Releases one reference, or all with `force`; the last one waits for the work and ends context and streams.
Status ResetDevice(int device, bool force);
Result<int> CurrentDevice();
bool DefaultContextActive(int device);
// Threads without a context then behave as if SetDevice(device) had been called; < 0: off.
void SetImplicitDevice(int device);

Result<void*> CreateContext(int device);
Status DestroyContext(void* context);
Status SetCurrentContext(void* context);
Result<void*> CurrentContext();
// kInvalidArgument for a handle that is not a live context.
Result<int> DeviceOfContext(void* context);

// A new stream of the current context.
Result<void*> CreateStream();
// Waits for the stream's work, or drops it.
Status DestroyStream(void* stream, bool drop);
// The handle behind nullptr, the current context's default stream.
Result<void*> DefaultStream();
Result<void*> ContextOfStream(void* stream);
// FindStream with reasons: kNotFound without a context, kInvalidArgument for an unknown handle,
// kFailedPrecondition when the stream belongs to another context.
Result<std::shared_ptr<Stream>> StreamOfCurrentContext(void* stream);
// Every live stream of a device, or of all devices with device < 0.
std::vector<std::shared_ptr<Stream>> StreamsOfDevice(int device);

}  // namespace belay
