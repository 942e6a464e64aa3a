/* The CUDA runtime of a machine without a device. */
int cudaGetDeviceCount(int *count)
{
    if (count) *count = 0;
    return 100;
}
int cudaDriverGetVersion(int *version)
{
    if (version) *version = 0;
    return 0;
}
int cudaRuntimeGetVersion(int *version)
{
    if (version) *version = 13000;
    return 0;
}
const char *cudaGetErrorString(int error)
{
    (void)error;
    return "no CUDA-capable device is detected";
}
const char *cudaGetErrorName(int error)
{
    (void)error;
    return "cudaErrorNoDevice";
}
