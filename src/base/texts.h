// String tensors in memory, as CANN lays them out: a head of 16 bytes for each element, {offset from the start,
// length}, then the bytes of the texts, each followed by a NUL.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace belay {

std::vector<uint8_t> PackTexts(const std::vector<std::string_view>& texts);
// Views into `data`. False where the bytes do not hold so many texts.
bool UnpackTexts(const void* data, size_t size, size_t count, std::vector<std::string_view>* texts);

}  // namespace belay
