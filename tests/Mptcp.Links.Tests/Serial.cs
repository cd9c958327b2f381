// A child process holds a copy of every descriptor from its fork to its exec, so a test that starts one keeps another
// test's TUN alive past its disposal: one test at a time.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
