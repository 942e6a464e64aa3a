// Libraries with operators of the user's own, found in the folders that CANN's tools install them to.
#pragma once
#include <string>
#include <vector>

namespace belay {

// Opens what is not open yet below every folder P of ASCEND_CUSTOM_OPP_PATH (separated by ':'), then below
// $ASCEND_OPP_PATH/vendors/V for the V that `load_priority=` names in vendors/config.ini:
//   P/op_proto/[lib/linux/ARCH/]lib*op_proto*.so, lib*opsproto*.so   prototypes and functions
//   P/op_impl/host/[lib/linux/ARCH/]lib*.so                          kernels in libraries of their own
// Their static constructors register. They stay open. Files of other users are left out.
void LoadCustomLibraries();

// Why libraries found so far are not open, one sentence each.
std::vector<std::string> CustomLibraryFailures();

}  // namespace belay
