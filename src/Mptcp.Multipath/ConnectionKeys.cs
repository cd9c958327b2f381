using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>The keys of a connection and what is derived from them (RFC 8684 §3.1).</summary>
internal sealed class ConnectionKeys
{
    public ConnectionKeys(ulong local)
    {
        Local = local;
        Send = new DataSequenceSpace(MptcpCrypto.InitialDataSequenceNumber(local));
    }

    public ulong Local { get; }

    public ulong Remote { get; private set; }

    public bool RemoteKnown { get; private set; }

    public uint RemoteToken { get; private set; }

    public DataSequenceSpace Send { get; }

    public DataSequenceSpace Receive { get; private set; }

    public void SetRemote(ulong key)
    {
        MptcpCrypto.Derive(key, out uint token, out ulong initial);
        (Remote, RemoteKnown, RemoteToken, Receive) = (key, true, token, new DataSequenceSpace(initial));
    }
}
