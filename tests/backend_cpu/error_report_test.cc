#include "base/error_report.h"

#include <gtest/gtest.h>

#include <thread>

namespace belay {
namespace {

TEST(ErrorReport, NewestFirstAndTakenOnce) {
  EXPECT_EQ(TakeErrorReports(), "");
  ReportError({"E1", "first", "call()", "because", "do it"});
  ReportError({"E2", "second", "", "", ""});
  EXPECT_EQ(TakeErrorReports(),
            "E2: second.\n"
            "E1: first.\n  What:  call()\n  Why:   because\n  Do:    do it\n");
  EXPECT_EQ(TakeErrorReports(), "");
}

TEST(ErrorReport, BelongsToTheThread) {
  ReportError({"E1", "mine", "", "", ""});
  std::thread([] { EXPECT_EQ(TakeErrorReports(), ""); }).join();
  EXPECT_EQ(TakeErrorReports(), "E1: mine.\n");
}

TEST(ErrorReport, KeepsTheNewestWhenThereAreMany) {
  for (int i = 0; i < 100; ++i) ReportError({"E1", std::to_string(i), "", "", ""});
  std::string all = TakeErrorReports();
  EXPECT_EQ(all.rfind("E1: 99.\n", 0), 0u);
  EXPECT_EQ(all.find("E1: 0.\n"), std::string::npos);
}

}  // namespace
}  // namespace belay
