using Mptcp.Conformance;

if (args is not ([] or ["--mutate"] or ["--mutate", _]))
{
    Console.Error.WriteLine("usage: ./conformance [--mutate [RULES]]");
    return 2;
}

bool sound = Table.Check(Directory.GetCurrentDirectory());
return sound && (args.Length == 0 || Mutations.Run(Directory.GetCurrentDirectory(), args.ElementAtOrDefault(1) ?? "")) ? 0 : 1;
