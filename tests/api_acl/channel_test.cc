#include "acl/acl_tdt.h"
#include "acl_test.h"

namespace {

class AclChannel : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(channel_ = acltdtCreateChannelWithCapacity(0, "channel", 2), nullptr); }
  void TearDown() override { EXPECT_EQ(acltdtDestroyChannel(channel_), ACL_SUCCESS); }
  // Sends one tensor, int32 [2], whose first value is `first`.
  aclError Send(int32_t first, int32_t timeout) {
    int32_t values[2] = {first, -first};
    const int64_t dims[1] = {2};
    acltdtDataItem* item = acltdtCreateDataItem(ACL_TENSOR_DATA_TENSOR, dims, 1, ACL_INT32, values, 8);
    acltdtDataset* dataset = acltdtCreateDataset();
    EXPECT_EQ(acltdtAddDataItem(dataset, item), ACL_SUCCESS);
    const aclError error = acltdtSendTensor(channel_, dataset, timeout);
    EXPECT_EQ(acltdtDestroyDataset(dataset), ACL_SUCCESS);
    EXPECT_EQ(acltdtDestroyDataItem(item), ACL_SUCCESS);
    return error;
  }
  // The first value received, or the error as a negative number.
  int32_t Receive(int32_t timeout) {
    acltdtDataset* dataset = acltdtCreateDataset();
    const aclError error = acltdtReceiveTensor(channel_, dataset, timeout);
    int32_t first = -error;
    if (error == ACL_SUCCESS) first = *static_cast<int32_t*>(acltdtGetDataAddrFromItem(acltdtGetDataItem(dataset, 0)));
    EXPECT_EQ(acltdtDestroyDataset(dataset), ACL_SUCCESS);
    return first;
  }
  acltdtChannelHandle* channel_ = nullptr;
};

TEST_F(AclChannel, CarriesItemsInOrder) {
  ASSERT_EQ(Send(7, 0), ACL_SUCCESS);
  ASSERT_EQ(Send(8, 0), ACL_SUCCESS);
  size_t size = 0;
  ASSERT_EQ(acltdtQueryChannelSize(channel_, &size), ACL_SUCCESS);
  EXPECT_EQ(size, 2u);
  acltdtDataset* dataset = acltdtCreateDataset();
  ASSERT_EQ(acltdtReceiveTensor(channel_, dataset, -1), ACL_SUCCESS);
  ASSERT_EQ(acltdtGetDatasetSize(dataset), 1u);
  EXPECT_STREQ(acltdtGetDatasetName(dataset), "");
  acltdtDataItem* item = acltdtGetDataItem(dataset, 0);
  EXPECT_EQ(acltdtGetTensorTypeFromItem(item), ACL_TENSOR_DATA_TENSOR);
  EXPECT_EQ(acltdtGetDataTypeFromItem(item), ACL_INT32);
  EXPECT_EQ(acltdtGetDataSizeFromItem(item), 8u);
  ASSERT_EQ(acltdtGetDimNumFromItem(item), 1u);
  int64_t dims[2] = {};
  ASSERT_EQ(acltdtGetDimsFromItem(item, dims, 2), ACL_SUCCESS);
  EXPECT_EQ(dims[0], 2);
  // The sender's memory is gone: these are the channel's copies.
  EXPECT_EQ(static_cast<int32_t*>(acltdtGetDataAddrFromItem(item))[0], 7);
  EXPECT_EQ(static_cast<int32_t*>(acltdtGetDataAddrFromItem(item))[1], -7);
  EXPECT_NE(acltdtDestroyDataItem(item), ACL_SUCCESS);  // the dataset's
  EXPECT_NE(acltdtReceiveTensor(channel_, dataset, 0), ACL_SUCCESS);  // not empty
  EXPECT_EQ(acltdtDestroyDataset(dataset), ACL_SUCCESS);
  EXPECT_EQ(Receive(-1), 8);
}

TEST_F(AclChannel, FullAndEmpty) {
  EXPECT_EQ(Receive(0), -ACL_ERROR_RT_QUEUE_EMPTY);
  EXPECT_EQ(Receive(5), -ACL_ERROR_RT_QUEUE_EMPTY);
  ASSERT_EQ(Send(1, 0), ACL_SUCCESS);
  ASSERT_EQ(Send(2, 0), ACL_SUCCESS);
  EXPECT_EQ(Send(3, 0), ACL_ERROR_RT_QUEUE_FULL);
  EXPECT_EQ(Send(3, 5), ACL_ERROR_RT_QUEUE_FULL);
  EXPECT_EQ(Send(3, -2), ACL_ERROR_INVALID_PARAM);
  ASSERT_EQ(acltdtCleanChannel(channel_), ACL_SUCCESS);
  EXPECT_EQ(Receive(0), -ACL_ERROR_RT_QUEUE_EMPTY);
}

TEST_F(AclChannel, BlockedThreadsWakeByDataAndByStop) {
  int32_t first = 0, after_stop = 0;
  std::thread receiver([&] {
    first = Receive(-1);
    after_stop = Receive(-1);
  });
  ASSERT_EQ(Send(5, -1), ACL_SUCCESS);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(acltdtStopChannel(channel_), ACL_SUCCESS);
  receiver.join();
  EXPECT_EQ(first, 5);
  EXPECT_EQ(after_stop, -ACL_ERROR_FAILURE);
  EXPECT_EQ(Send(6, 0), ACL_ERROR_FAILURE);
}

TEST(AclChannelArguments, AreChecked) {
  EXPECT_EQ(acltdtCreateChannelWithCapacity(0, "x", 1), nullptr);
  EXPECT_EQ(acltdtCreateChannelWithCapacity(0, "x", 8193), nullptr);
  EXPECT_EQ(acltdtCreateChannelWithCapacity(0, nullptr, 4), nullptr);
  (void)RecentMessage();
  EXPECT_EQ(acltdtCreateChannel(99, "x"), nullptr);
  EXPECT_NE(RecentMessage().find("no device 99"), std::string::npos);
  EXPECT_EQ(acltdtCreateDataItem(ACL_TENSOR_DATA_UNDEFINED, nullptr, 0, ACL_FLOAT, nullptr, 0), nullptr);
  EXPECT_EQ(acltdtCreateDataItem(ACL_TENSOR_DATA_TENSOR, nullptr, 1, ACL_FLOAT, nullptr, 0), nullptr);
  EXPECT_EQ(acltdtDestroyChannel(nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(acltdtSendTensor(nullptr, nullptr, 0), ACL_ERROR_INVALID_PARAM);
  EXPECT_EQ(acltdtGetDataItem(nullptr, 0), nullptr);
  EXPECT_EQ(acltdtGetDatasetSize(nullptr), 0u);
}

}  // namespace
