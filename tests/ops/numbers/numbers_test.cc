// Asserts the error budgets of operators that work element by element, and that data/op_numbers.tsv, of which
// docs/ops.md is made, is the table of what is there. `op_numbers --write FILE` makes that table.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "graph/op_record.h"
#include "ops/numbers/measure.h"

namespace belay {
namespace {

struct Row {
  std::string op, dtypes, kind, ulps, judge, onnx, cases, at;
  double measured = -1, budget = 0;  // budget 0: none in ulps

  // What does not depend on the machine.
  std::string Facts() const { return op + "\t" + dtypes + "\t" + kind + "\t" + onnx + "\t" + cases; }
};

std::string Joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& t : texts) all += (all.empty() ? "" : " ") + t;
  return all.empty() ? "-" : all;
}

std::string DtypesOf(const OpRecord& record) {
  if (record.dtypes.empty()) return "any";
  std::vector<std::string> names;
  for (DType d : record.dtypes[0].second) names.push_back(DTypeName(d));
  return Joined(names);
}

// One rounding, or a definition to be held to: two ulps, four for functions.
double BudgetOf(const OpNumbers& numbers, const Error& error) {
  if (!numbers.one_rounding && !error.by_definition) return 0;
  return numbers.number_class == NumberClass::kTranscendental ? 4 : 2;
}

void Measure(const OpNumbers& numbers, Row* row) {
  if (!numbers.is_map || numbers.number_class > NumberClass::kTranscendental) return;
  if (numbers.number_class == NumberClass::kExact && !numbers.one_rounding) return;
  const Error error = MeasureError(numbers);
  if (error.ulps < 0) return;
  row->measured = error.ulps;
  row->ulps = fmt::format("{:.3g}", error.ulps);
  row->judge = error.by_definition ? "definition" : "f64";
  row->at = error.at;
  row->budget = BudgetOf(numbers, error);
}

const std::vector<Row>& Table() {
  static const auto* const table = [] {
    const std::map<std::string, OpNumbers> ops = ReadOps(BELAY_SOURCE_DIR "/tests/ops");
    std::map<std::string, Row> rows;
    for (const OpRecord* record : AllOpRecords()) {
      if (!record->computes) continue;
      Row row{record->type, DtypesOf(*record), "-", "-", "-", Joined(OnnxOpsOf(*record)), "0", ""};
      auto it = ops.find(record->type);
      if (it != ops.end()) {
        const OpNumbers& numbers = it->second;
        row.kind = NumberClassName(numbers.number_class);
        const bool several = !numbers.one_rounding && numbers.number_class != NumberClass::kExact;
        if (several && numbers.number_class <= NumberClass::kTranscendental) row.kind += ", several";
        row.cases = std::to_string(numbers.cases);
        Measure(numbers, &row);
      }
      rows[row.op] = row;
    }
    auto* sorted = new std::vector<Row>;
    for (auto& [op, row] : rows) sorted->push_back(std::move(row));
    return sorted;
  }();
  return *table;
}

TEST(Numbers, BudgetsOfElementwiseOperators) {
  int judged = 0, failed = 0;
  for (const Row& row : Table()) {
    if (row.budget == 0) continue;
    ++judged;
    failed += !(row.measured <= row.budget);
    EXPECT_LE(row.measured, row.budget) << row.op << " at " << row.at;
  }
  EXPECT_GT(judged, 90);
  RecordProperty("passed", judged - failed);
  RecordProperty("failed", failed);
}

TEST(Numbers, TheTableIsUpToDate) {
  std::ifstream file(BELAY_SOURCE_DIR "/data/op_numbers.tsv");
  std::string line;
  std::set<std::string> written, found;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::stringstream text(line);
    for (std::string cell; std::getline(text, cell, '\t');) cells.push_back(cell);
    ASSERT_EQ(cells.size(), 7u) << line;
    written.insert(Row{cells[0], cells[1], cells[2], "", "", cells[5], cells[6], ""}.Facts());
  }
  for (const Row& row : Table()) found.insert(row.Facts());
  const char* const what_to_do = ": make ops-page";
  for (const std::string& row : found) EXPECT_TRUE(written.count(row)) << "not in the table: " << row << what_to_do;
  for (const std::string& row : written) EXPECT_TRUE(found.count(row)) << "no longer so: " << row << what_to_do;
}

int Write(const char* path) {
  std::ofstream file(path);
  file << "op\tdtypes\tclass\tworst_ulp\tjudge\tonnx\tcases\n";
  for (const Row& r : Table()) {
    file << r.op << '\t' << r.dtypes << '\t' << r.kind << '\t' << r.ulps << '\t' << r.judge << '\t' << r.onnx << '\t'
         << r.cases << '\n';
    const bool over = r.budget > 0 && !(r.measured <= r.budget);
    if (over || (r.budget == 0 && r.measured > 4)) {
      std::printf("%s: %s ulp at %s\n", r.op.c_str(), r.ulps.c_str(), r.at.c_str());
    }
  }
  return file.good() ? 0 : 1;
}

}  // namespace
}  // namespace belay

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc == 3 && std::string(argv[1]) == "--write") return belay::Write(argv[2]);
  return RUN_ALL_TESTS();
}
