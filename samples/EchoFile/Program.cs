// Sends a file over every path of this machine, reads the answer to its end, and says what each path carried.
// As root on Linux: EchoFile HOST PORT FILE [DEVICE ...]
using Mptcp;

if (args.Length < 3)
{
    Console.Error.WriteLine("EchoFile HOST PORT FILE [DEVICE ...]");
    return 2;
}

await using MptcpEngine engine = MptcpEngine.Create(new MptcpEngineOptions { Via = args[3..] });
await using MptcpStream stream = await engine.ConnectAsync(args[0], int.Parse(args[1]));
await using FileStream file = File.OpenRead(args[2]);
await using Stream output = Console.OpenStandardOutput();

Task answer = stream.CopyToAsync(output);
await file.CopyToAsync(stream);
await stream.CompleteWritesAsync();
await answer;

foreach (MptcpSubflow subflow in stream.Subflows)
    Console.Error.WriteLine($"{subflow.Path}: {subflow.BytesSent} sent, {subflow.BytesReceived} received");
return 0;
