// Thrust: sort, stable_sort_by_key, reduce_by_key, transform_reduce, inclusive_scan and iterators.
#include <thrust/device_vector.h>
#include <thrust/functional.h>
#include <thrust/host_vector.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/reduce.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
#include <thrust/transform_reduce.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <vector>

struct Square {
    __host__ __device__ long long operator()(int x) const { return (long long)x * x; }
};

int main() {
    const int n = 3000;
    std::vector<int> values(n), keys(n);
    for (int i = 0; i < n; i++) values[i] = (i * 7919) % 4001 - 2000, keys[i] = (i * 31) % 40;
    int wrong = 0;

    thrust::device_vector<int> sorted(values.begin(), values.end());
    thrust::sort(sorted.begin(), sorted.end());
    std::vector<int> expected = values, result(n);
    std::sort(expected.begin(), expected.end());
    thrust::copy(sorted.begin(), sorted.end(), result.begin());
    wrong += result != expected;

    thrust::device_vector<int> d_keys(keys.begin(), keys.end()), d_values(values.begin(), values.end());
    thrust::stable_sort_by_key(d_keys.begin(), d_keys.end(), d_values.begin());
    thrust::device_vector<int> out_keys(n), out_sums(n);
    auto ends = thrust::reduce_by_key(d_keys.begin(), d_keys.end(), d_values.begin(), out_keys.begin(), out_sums.begin());
    std::map<int, int> sums;
    for (int i = 0; i < n; i++) sums[keys[i]] += values[i];
    int groups = (int)(ends.first - out_keys.begin());
    wrong += groups != (int)sums.size();
    for (int i = 0; i < groups && i < 5; i++) wrong += out_sums[i] != sums[out_keys[i]];

    long long squares = thrust::transform_reduce(thrust::counting_iterator<int>(0), thrust::counting_iterator<int>(n),
                                                 Square(), 0LL, thrust::plus<long long>());
    wrong += squares != (long long)(n - 1) * n * (2 * n - 1) / 6;

    thrust::inclusive_scan(d_values.begin(), d_values.end(), d_values.begin());
    wrong += d_values[n - 1] != std::accumulate(values.begin(), values.end(), 0);

    std::printf("smallest %d, groups %d, squares %lld, %d wrong\n", result[0], groups, squares, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
