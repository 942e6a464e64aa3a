#include "acl/acl_op_compiler.h"

#include "acl_test.h"

namespace {

TEST(AclOpCompiler, OptionsAreKept) {
  char text[16];
  ASSERT_EQ(aclGetCompileoptSize(ACL_OP_JIT_COMPILE), 8u);
  ASSERT_EQ(aclGetCompileopt(ACL_OP_JIT_COMPILE, text, sizeof text), ACL_SUCCESS);
  EXPECT_STREQ(text, "disable");
  EXPECT_EQ(aclGetCompileoptSize(ACL_OP_DEBUG_OPTION), 0u);
  ASSERT_EQ(aclSetCompileopt(ACL_OP_DEBUG_OPTION, "oom"), ACL_SUCCESS);
  ASSERT_EQ(aclGetCompileoptSize(ACL_OP_DEBUG_OPTION), 4u);
  EXPECT_EQ(aclGetCompileopt(ACL_OP_DEBUG_OPTION, text, 3), ACL_ERROR_INVALID_PARAM);
  ASSERT_EQ(aclGetCompileopt(ACL_OP_DEBUG_OPTION, text, 4), ACL_SUCCESS);
  EXPECT_STREQ(text, "oom");
  ASSERT_EQ(aclSetCompileopt(ACL_OP_DEBUG_OPTION, ""), ACL_SUCCESS);
  EXPECT_EQ(aclGetCompileoptSize(ACL_OP_DEBUG_OPTION), 0u);
}

TEST(AclOpCompiler, BadOptions) {
  char text[16];
  (void)RecentMessage();
  EXPECT_EQ(aclSetCompileopt(ACL_OP_JIT_COMPILE, nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclSetCompileopt(ACL_OP_JIT_COMPILE, "perhaps"), ACL_ERROR_INVALID_PARAM);
  EXPECT_NE(RecentMessage().find("'perhaps'"), std::string::npos);
  EXPECT_EQ(aclSetCompileopt(static_cast<aclCompileOpt>(17), "1"), ACL_ERROR_INVALID_PARAM);
  EXPECT_NE(RecentMessage().find("17"), std::string::npos);
  EXPECT_EQ(aclGetCompileopt(static_cast<aclCompileOpt>(-1), text, 16), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclGetCompileopt(ACL_OP_JIT_COMPILE, nullptr, 16), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(aclGetCompileoptSize(static_cast<aclCompileOpt>(17)), 0u);
}

TEST(AclOpCompiler, SingleOperatorsAreRefused) {
  (void)RecentMessage();
  EXPECT_EQ(aclopCompileAndExecute("Add", 0, nullptr, nullptr, 0, nullptr, nullptr, nullptr, ACL_ENGINE_SYS,
                                   ACL_COMPILE_SYS, nullptr, nullptr),
            ACL_ERROR_API_NOT_SUPPORT);
  const std::string text = RecentMessage();
  EXPECT_NE(text.find("aclopCompileAndExecute is not supported"), std::string::npos) << text;
}

}  // namespace
