namespace Mptcp.Tool;

/// <summary><c>mptcp demo</c>: the tour over two emulated paths.</summary>
internal static class DemoCommand
{
}
