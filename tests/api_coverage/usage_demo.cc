// A program whose use of the interface usage_test.cc knows.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "acl/acl.h"
#include "ge/ge_api.h"

using Options = std::map<ge::AscendString, ge::AscendString>;

int main(int argc, char** argv) {
  if (ge::GEInitialize(Options{{"ge.exec.deviceId", "0"}, {"ge.jit_compile", "2"}}) != ge::SUCCESS) return 1;
  for (int i = 0; i < 3; ++i) {
    ge::Session session(Options{{"some.client", "a\tb"}});
    if (session.RemoveGraph(7) == ge::SUCCESS) return 2;
    if (session.ShardGraphsToFile("file") == ge::SUCCESS) return 3;
  }
  if (aclrtSetDevice(0) != ACL_SUCCESS || aclrtSetOpExecuteTimeOut(3) != ACL_SUCCESS) return 4;
  uint32_t model = 0;
  if (aclmdlLoadFromFile("no.om", &model) == ACL_SUCCESS) return 5;
  ge::Session refused(Options{{"ge.insertOpFile", "aipp.cfg"}});
  if (argc > 1 && std::strcmp(argv[1], "fork") == 0) {
    const pid_t child = fork();
    if (child == 0) exit(0);
    waitpid(child, nullptr, 0);
  }
  return ge::GEFinalize() == ge::SUCCESS ? 0 : 6;
}
