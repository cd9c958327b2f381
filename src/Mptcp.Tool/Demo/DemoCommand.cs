using System.CommandLine;
using Mptcp.Lab;
using Mptcp.Links;

namespace Mptcp.Tool.Demo;

/// <summary><c>mptcp demo</c>: the tour over two emulated paths.</summary>
internal static class DemoCommand
{
    private const int LeastMegabytes = 1;
    private const int MostMegabytes = 1000;

    public static Command Create()
    {
        var size = new Option<int>("--size")
        {
            Description = $"the size of the file in MB, {LeastMegabytes} to {MostMegabytes}",
            HelpName = "MB",
            DefaultValueFactory = _ => 40,
        };
        size.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < LeastMegabytes or > MostMegabytes)
                result.AddError($"--size takes {LeastMegabytes} to {MostMegabytes} MB");
        });
        var engine = new Option<bool>("--engine")
        {
            Description = "our own engine at the far end, also where the kernel could be",
        };
        var command = new Command("demo", "Sends a file over an emulated Wi-Fi and LTE, cuts one in the middle, and shows what happened.")
        {
            size,
            engine,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                var tour = new Tour(parsed.GetValue(size) * 1_000_000L, parsed.GetValue(engine), DemoView.Create());
                return (int)(await tour.RunAsync(cancellationToken) ? ExitCode.Clean : ExitCode.Failed);
            }
            catch (Exception e) when (e is LabException or LinkException)
            {
                throw new ToolException(ExitCode.SetUp, e.Message);
            }
            catch (IOException e)
            {
                throw new ToolException(ExitCode.Failed, e.Message);
            }
        });
        return command;
    }
}
