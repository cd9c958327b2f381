using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>The keys of a connection and what is derived from them (RFC 8684 §3.1).</summary>
internal sealed class ConnectionKeys
{
    public ConnectionKeys(ulong local)
    {
        Local = local;
        MptcpCrypto.Derive(local, out uint token, out ulong initial);
        (LocalToken, Send) = (token, new DataSequenceSpace(initial));
    }

    public ulong Local { get; }

    public uint LocalToken { get; }

    public ulong Remote { get; private set; }

    public bool RemoteKnown { get; private set; }

    public uint RemoteToken { get; private set; }

    public DataSequenceSpace Send { get; private set; }

    public DataSequenceSpace Receive { get; private set; }

    /// <summary>
    /// Bytes of the peer's stream that its SYN brought. They have no data sequence numbers: the first byte after them has
    /// the one after the initial (RFC 8684 Appendix B.2). Known before the peer's key is.
    /// </summary>
    public int ReceivedInSyn { get; set; }

    /// <summary>The same of our own stream, once the peer has said how much of it it took.</summary>
    public void SetSentInSyn(int length) =>
        Send = new DataSequenceSpace(unchecked(MptcpCrypto.InitialDataSequenceNumber(Local) - (ulong)length));

    public void SetRemote(ulong key)
    {
        MptcpCrypto.Derive(key, out uint token, out ulong initial);
        (Remote, RemoteKnown, RemoteToken, Receive) = (
            key, true, token,
            new DataSequenceSpace(unchecked(initial - (ulong)ReceivedInSyn)));
    }
}
