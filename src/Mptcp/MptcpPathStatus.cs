using System.Net;

namespace Mptcp;

/// <summary>How a path of a connection stands.</summary>
public enum MptcpPathState
{
    /// <summary>A subflow is being opened on it.</summary>
    Probing,

    /// <summary>It carries data.</summary>
    Active,

    /// <summary>It works, and is used only when no other does (RFC 8684 §3.3.8).</summary>
    Backup,

    /// <summary>It is silent although others deliver, or its link is down: it gets no data, and is asked.</summary>
    Suspect,

    /// <summary>Its subflow is lost, and will be opened again.</summary>
    Recovering,

    /// <summary>It has no subflow, and will have none by itself.</summary>
    Dead,
}

/// <summary>How a path of a connection stands at one moment, and why.</summary>
/// <param name="Path">Its name: the device's with <see cref="MptcpEngineOptions.Via"/>.</param>
/// <param name="LocalAddress">Our address as the peer sees it.</param>
/// <param name="RemoteEndPoint">The peer's end; null where there never was a subflow.</param>
/// <param name="State">How it stands.</param>
/// <param name="Subflow">The number of its subflow, or -1.</param>
/// <param name="Why">A plain phrase, such as "no subflow: refused; next try in 4.0 s".</param>
public sealed record MptcpPathStatus(
    string Path, IPAddress LocalAddress, IPEndPoint? RemoteEndPoint, MptcpPathState State, int Subflow, string Why);
