using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Mptcp.Architecture.Tests;

/// <summary>What no compiler and no analyzer holds: rules of ARCHITECTURE.md that can be read off the files.</summary>
public sealed class HouseRulesTests
{
    private static readonly string _root = FindRoot();

    public static TheoryData<string> SansIoProjects => [.. Projects("src")
        .Where(project => File.ReadAllText(project).Contains("<SansIO>true</SansIO>", StringComparison.Ordinal))
        .Select(project => Path.GetRelativePath(_root, Path.GetDirectoryName(project)!))];

    [Theory]
    [MemberData(nameof(SansIoProjects))]
    public void The_engine_neither_locks_nor_awaits(string directory)
    {
        string[] files = Directory.GetFiles(Path.Combine(_root, directory), "*.cs", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            SyntaxNode syntax = CSharpSyntaxTree.ParseText(File.ReadAllText(file)).GetRoot();
            SyntaxNode? found = syntax.DescendantNodes().FirstOrDefault(
                node => node is LockStatementSyntax or AwaitExpressionSyntax);
            Assert.True(found is null, $"{Path.GetRelativePath(_root, file)}: {found?.GetLocation().GetLineSpan()}");
        }
    }

    [Fact]
    public void The_line_of_the_house_is_kept()
    {
        string[] line = ["Mptcp.Wire", "Mptcp.Tcp", "Mptcp.Multipath", "Mptcp.Stack"];
        for (int i = 0; i < line.Length; i++)
        {
            string[] references = References(Path.Combine(_root, "src", line[i], $"{line[i]}.csproj"));
            Assert.Equal(line[..i].Order(StringComparer.Ordinal), references.Order(StringComparer.Ordinal));
        }

        Assert.Equal(
            line.Order(StringComparer.Ordinal),
            References(Path.Combine(_root, "src/Mptcp.Native/Mptcp.Native.csproj")).Order(StringComparer.Ordinal));
        Assert.DoesNotContain("Mptcp.Hosting", References(Path.Combine(_root, "src/Mptcp.Simulation/Mptcp.Simulation.csproj")));
        Assert.DoesNotContain("Mptcp.Lab", References(Path.Combine(_root, "src/Mptcp/Mptcp.csproj")));
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = File.ReadAllText(Path.Combine(_root, "Mptcp.slnx")).Replace('\\', '/');
        foreach (string project in (string[])[.. Projects("src"), .. Projects("tests"), .. Projects("samples"), .. Projects("bench"), .. Projects("fuzz")])
        {
            string relative = Path.GetRelativePath(_root, project).Replace('\\', '/');
            Assert.Contains($"\"{relative}\"", solution, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_package_earns_its_place_in_a_line()
    {
        string reasons = File.ReadAllText(Path.Combine(_root, "docs/dependencies.md"));
        var packages = XDocument.Load(Path.Combine(_root, "Directory.Packages.props")).Descendants("PackageVersion");
        Assert.NotEmpty(packages);
        Assert.All(packages, package => Assert.Contains($"`{package.Attribute("Include")!.Value}`", reasons, StringComparison.Ordinal));
    }

    private static string[] References(string project) => [.. XDocument.Load(project).Descendants("ProjectReference")
        .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))];

    private static string[] Projects(string directory) => Directory.Exists(Path.Combine(_root, directory))
        ? Directory.GetFiles(Path.Combine(_root, directory), "*.csproj", SearchOption.AllDirectories)
        : [];

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Mptcp.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException("The tests run from inside the repository.");
    }
}
