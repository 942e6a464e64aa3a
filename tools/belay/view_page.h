// The page of `belay view`, made from tools/belay/view; @TITLE@ and @DATA@ stand for what the program puts in.
#pragma once

namespace belay::tool {

extern const char kViewPage[];

}  // namespace belay::tool
