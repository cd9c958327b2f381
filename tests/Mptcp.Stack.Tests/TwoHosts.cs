using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>A client and a server over some paths in virtual time. Path p joins 10.1.p.1 with 10.1.p.2.</summary>
internal sealed class TwoHosts
{
    public const ushort Port = 80;
    private readonly List<SubflowInfo> _subflows = [];

    public TwoHosts(params PathOptions[] paths)
        : this(new MptcpSettings(), new MptcpSettings(), seed: 1, paths)
    {
    }

    public TwoHosts(MptcpSettings client, MptcpSettings server, ulong seed, params PathOptions[] paths)
        : this(new StackOptions { Connection = client }, new StackOptions { Connection = server }, seed, paths)
    {
    }

    public TwoHosts(StackOptions client, StackOptions server, ulong seed, params PathOptions[] paths)
    {
        Network = new SimulatedNetwork(seed);
        Client = new NetworkStack(client, new SeededEntropy(seed));
        Server = new NetworkStack(server, new SeededEntropy(seed + 1));
        int clientHost = Network.AddHost(Client);
        int serverHost = Network.AddHost(Server);
        for (int p = 0; p < paths.Length; p++)
        {
            Client.AddAddress(new LocalAddress(p, Address(p, 1), 1500));
            Server.AddAddress(new LocalAddress(p, Address(p, 2), 1500));
            SimulatedPath path = Network.Connect(clientHost, p, serverHost, p, paths[p], paths[p]);
            int number = p;
            path.Filter = (direction, packet) => Pass(number, direction, packet);
        }

        Listener = Server.TryListen(Port)!;
    }

    public SimulatedNetwork Network { get; }

    public NetworkStack Client { get; }

    public NetworkStack Server { get; }

    public StackListener Listener { get; }

    /// <summary>Every packet, as <see cref="Describe"/> says it.</summary>
    public List<string> Log { get; } = [];

    /// <summary>Whether packets are described in the log, and to <see cref="Drop"/>.</summary>
    public bool Describes { get; set; } = true;

    /// <summary>Whether a packet is lost, by its path and its line in the log.</summary>
    public Func<int, string, bool> Drop { get; set; } = (_, _) => false;

    /// <summary>Changes a packet on its way.</summary>
    public Action<int, PathDirection, byte[]>? Rewrite { get; set; }

    public StackSocket Connect() =>
        Client.TryConnect(Network.Now, Client.Addresses[0], new IpEndpoint(Address(0, 2), Port))!;

    public StackSocket Accept(long limit = 60 * Instant.Second)
    {
        StackSocket? accepted = null;
        Assert.True(Network.RunUntil(() => accepted is not null || Listener.TryAccept(out accepted), limit), "nobody came");
        return accepted!;
    }

    public List<SubflowInfo> SubflowsOf(StackSocket socket)
    {
        socket.CopySubflows(_subflows);
        return _subflows;
    }

    public static List<ConnectionEvent> EventsOf(StackSocket socket)
    {
        var events = new List<ConnectionEvent>();
        while (socket.TryTakeEvent(out ConnectionEvent next))
        {
            events.Add(next);
        }

        return events;
    }

    public static IpAddress Address(int path, int end) => IpAddress.Parse($"10.1.{path}.{end}");

    private bool Pass(int path, PathDirection direction, Span<byte> packet)
    {
        if (Rewrite is { } rewrite)
        {
            byte[] copy = packet.ToArray();
            rewrite(path, direction, copy);
            copy.CopyTo(packet);
        }

        if (!Describes)
        {
            return true;
        }

        string line = $"{path}{(direction == PathDirection.Forward ? '>' : '<')} {Describe(packet)}";
        Log.Add(line);
        return !Drop(path, line);
    }

    private static string Describe(ReadOnlySpan<byte> packet)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _) || !TcpSegment.TryParse(ip, out TcpSegment segment, out _))
        {
            return "damaged";
        }

        string options = "";
        var reader = new TcpOptionReader(segment.Options);
        while (reader.TryRead(out _, out ReadOnlySpan<byte> option))
        {
            if (MptcpOption.TryGetSubtype(option, out MptcpSubtype subtype))
            {
                options += $" {subtype}({option.Length})";
            }
        }

        return $"{segment.Flags} {segment.Payload.Length}{options}";
    }
}
