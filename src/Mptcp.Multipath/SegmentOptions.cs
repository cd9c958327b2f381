using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>The MPTCP options of one segment, read in one pass. Of repeated options the last counts.</summary>
internal struct SegmentOptions
{
    /// <summary>Whether there was any well-formed MPTCP option.</summary>
    public bool Any;
    public MpCapableOption? Capable;
    public MpJoinSynOption? JoinSyn;
    public MpJoinSynAckOption? JoinSynAck;
    public MpJoinAckOption? JoinAck;
    public DssOption? Dss;
    public AddAddressOption? AddAddress;
    public RemoveAddressOption? RemoveAddress;
    public MpPrioOption? Priority;
    public MpFailOption? Fail;
    public MpFastCloseOption? FastClose;
    public MpTcpRstOption? Reset;

    public static SegmentOptions Parse(ReadOnlySpan<byte> options)
    {
        SegmentOptions parsed = default;
        var reader = new TcpOptionReader(options);
        while (reader.TryRead(out _, out ReadOnlySpan<byte> option))
        {
            if (MptcpOption.TryGetSubtype(option, out MptcpSubtype subtype))
            {
                parsed.Any |= parsed.Take(subtype, option);
            }
        }

        return parsed;
    }

    private bool Take(MptcpSubtype subtype, ReadOnlySpan<byte> option)
    {
        switch (subtype)
        {
            case MptcpSubtype.MpCapable when MpCapableOption.TryParse(option, out MpCapableOption capable):
                Capable = capable;
                return true;
            case MptcpSubtype.MpJoin:
                return TakeJoin(option);
            case MptcpSubtype.Dss when DssOption.TryParse(option, out DssOption dss):
                Dss = dss;
                return true;
            case MptcpSubtype.AddAddress when AddAddressOption.TryParse(option, out AddAddressOption address):
                AddAddress = address;
                return true;
            case MptcpSubtype.RemoveAddress when RemoveAddressOption.TryParse(option, out RemoveAddressOption removed):
                RemoveAddress = removed;
                return true;
            case MptcpSubtype.MpPrio when MpPrioOption.TryParse(option, out MpPrioOption priority):
                Priority = priority;
                return true;
            case MptcpSubtype.MpFail when MpFailOption.TryParse(option, out MpFailOption fail):
                Fail = fail;
                return true;
            case MptcpSubtype.MpFastClose when MpFastCloseOption.TryParse(option, out MpFastCloseOption fastClose):
                FastClose = fastClose;
                return true;
            case MptcpSubtype.MpTcpRst when MpTcpRstOption.TryParse(option, out MpTcpRstOption reset):
                Reset = reset;
                return true;
            default:
                return false;
        }
    }

    private bool TakeJoin(ReadOnlySpan<byte> option)
    {
        if (MpJoinSynOption.TryParse(option, out MpJoinSynOption syn))
        {
            JoinSyn = syn;
        }
        else if (MpJoinSynAckOption.TryParse(option, out MpJoinSynAckOption synAck))
        {
            JoinSynAck = synAck;
        }
        else if (MpJoinAckOption.TryParse(option, out MpJoinAckOption ack))
        {
            JoinAck = ack;
        }
        else
        {
            return false;
        }

        return true;
    }
}
