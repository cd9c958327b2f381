using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mptcp.Links;

/// <summary>Keeps a network namespace, so that any thread can later run something in it.</summary>
internal sealed partial class NetworkNamespaceHandle : IDisposable
{
    private const int CloneNewNet = 0x4000_0000;

    private readonly SafeFileHandle _file;

    private NetworkNamespaceHandle(SafeFileHandle file, NetworkNamespaceIdentity identity)
    {
        _file = file;
        Identity = identity;
    }

    public NetworkNamespaceIdentity Identity { get; }

    public static NetworkNamespaceHandle OfCurrentThread()
    {
        NetworkNamespaceIdentity identity = NetworkNamespaceIdentity.OfCurrentThread();
        return new NetworkNamespaceHandle(File.OpenHandle(NetworkNamespaceIdentity.CurrentThreadPath), identity);
    }

    /// <summary>
    /// Runs the action in the namespace and waits for it: on this thread if it is there, else on one of its own, which
    /// never serves anybody else.
    /// </summary>
    public void Run(Action action)
    {
        if (NetworkNamespaceIdentity.OfCurrentThread() == Identity)
        {
            action();
            return;
        }
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                if (SetNamespace(_file, CloneNewNet) != 0)
                    throw new LinkException("The network namespace of the paths cannot be entered: run as root.");
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    public void Dispose() => _file.Dispose();

    [LibraryImport("libc", EntryPoint = "setns")]
    private static partial int SetNamespace(SafeFileHandle file, int type);
}
