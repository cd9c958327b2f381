using Mptcp.Conformance;

if (args is not ([] or ["--mutate"]))
{
    Console.Error.WriteLine("usage: ./conformance [--mutate]");
    return 2;
}

bool sound = Table.Check(Directory.GetCurrentDirectory());
return sound && (args.Length == 0 || Mutations.Run(Directory.GetCurrentDirectory())) ? 0 : 1;
