using Mptcp.Tool;

return await CommandLine.RunAsync(args);
