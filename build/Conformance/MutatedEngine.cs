using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Mptcp.Conformance;

/// <summary>Compiles a project of the engine with one text changed, and finds tests that then run against it.</summary>
internal sealed class MutatedEngine
{
    // In the order in which they reference each other.
    private static readonly string[] _engine = ["Mptcp.Wire", "Mptcp.Tcp", "Mptcp.Multipath", "Mptcp.Stack"];
    private static readonly string[] _testProjects = ["Mptcp.Tcp.Tests", "Mptcp.Multipath.Tests", "Mptcp.Stack.Tests"];
    private readonly string _root;
    private readonly Dictionary<string, List<SyntaxTree>> _projects = [];
    private readonly List<MetadataReference> _framework;

    public MutatedEngine(string root)
    {
        _root = root;
        _framework = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path))];
    }

    /// <summary>Something to call that throws if the test fails.</summary>
    public Action Load(Mutation? mutation, string test)
    {
        string[] names = test.Split('.');
        string tests = ProjectOf(names[0]);
        string directory = Binaries(tests);
        var context = new Context(directory);
        if (mutation is not null)
        {
            string project = mutation.File.Split('/')[0];
            context.Replace(project, Compile(project, mutation));
        }

        Assembly assembly = context.LoadFromAssemblyPath(Path.Combine(directory, tests + ".dll"));
        Type type = assembly.GetTypes().Single(candidate => candidate.Name == names[0]);
        MethodInfo method = type.GetMethod(names[1]) ?? throw new InvalidDataException($"no test {test}");
        return () =>
        {
            foreach (object?[] arguments in Arguments(type, method))
            {
                method.Invoke(Activator.CreateInstance(type), arguments);
            }

            context.Unload();
        };
    }

    private string Binaries(string project) => Path.Combine(_root, "artifacts/bin", project, "debug");

    /// <summary>The project whose sources have a test class of this name.</summary>
    private string ProjectOf(string name) => _testProjects.FirstOrDefault(project => Directory
        .EnumerateFiles(Path.Combine(_root, "tests", project), "*.cs", SearchOption.AllDirectories)
        .Any(file => File.ReadAllText(file).Contains($"class {name}\n", StringComparison.Ordinal)))
        ?? throw new InvalidDataException($"no test class {name}");

    private MemoryStream Compile(string project, Mutation mutation)
    {
        string path = Path.Combine(_root, "src", mutation.File);
        string text = File.ReadAllText(path);
        int at = text.IndexOf(mutation.Off, StringComparison.Ordinal);
        if (at < 0 || text.IndexOf(mutation.Off, at + 1, StringComparison.Ordinal) >= 0)
        {
            throw new InvalidDataException($"'{mutation.Off}' is {(at < 0 ? "not" : "twice")} in {mutation.File}");
        }

        string changed = text[..at] + mutation.By + text[(at + mutation.Off.Length)..];
        IEnumerable<SyntaxTree> trees = Trees(project)
            .Select(tree => tree.FilePath == path ? Parse(changed, path) : tree);
        var references = new List<MetadataReference>(_framework);
        references.AddRange(_engine.TakeWhile(earlier => earlier != project)
            .Select(earlier => MetadataReference.CreateFromFile(Path.Combine(Binaries("Mptcp.Stack.Tests"), earlier + ".dll"))));

        CSharpCompilation compilation = CSharpCompilation.Create(
            project, trees, references, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        var image = new MemoryStream();
        var result = compilation.Emit(image);
        if (!result.Success)
        {
            throw new InvalidDataException(result.Diagnostics.First(d => d.Severity == DiagnosticSeverity.Error).ToString());
        }

        image.Position = 0;
        return image;
    }

    private List<SyntaxTree> Trees(string project)
    {
        if (!_projects.TryGetValue(project, out List<SyntaxTree>? trees))
        {
            IEnumerable<string> sources = Directory.EnumerateFiles(Path.Combine(_root, "src", project), "*.cs", SearchOption.AllDirectories);
            IEnumerable<string> generated = Directory.EnumerateFiles(Path.Combine(_root, "artifacts/obj", project, "debug"), "*.cs");
            trees = [.. sources.Concat(generated).Select(path => Parse(File.ReadAllText(path), path))];
            _projects.Add(project, trees);
        }

        return trees;
    }

    private static SyntaxTree Parse(string text, string path) =>
        CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Latest), path);

    /// <summary>The rows of a theory; one empty row for a fact.</summary>
    private static IEnumerable<object?[]> Arguments(Type type, MethodInfo method)
    {
        bool any = false;
        foreach (CustomAttributeData data in method.GetCustomAttributesData())
        {
            if (data.AttributeType.Name == "InlineDataAttribute")
            {
                any = true;
                var values = (IEnumerable<CustomAttributeTypedArgument>)data.ConstructorArguments[0].Value!;
                yield return [.. values.Zip(method.GetParameters(), (value, parameter) => Convert(value.Value, parameter.ParameterType))];
            }
            else if (data.AttributeType.Name == "MemberDataAttribute")
            {
                any = true;
                var name = (string)data.ConstructorArguments[0].Value!;
                foreach (object row in (IEnumerable)type.GetMethod(name)!.Invoke(null, null)!)
                {
                    MethodInfo read = row.GetType().GetInterface("ITheoryDataRow")!.GetMethod("GetData")!;
                    yield return (object?[])read.Invoke(row, null)!;
                }
            }
        }

        if (!any)
        {
            yield return [];
        }
    }

    /// <summary>A constant of an attribute as the method wants it.</summary>
    private static object? Convert(object? value, Type wanted) => value is null ? null
        : wanted.IsEnum ? Enum.ToObject(wanted, value)
        : value is IConvertible ? System.Convert.ChangeType(value, wanted, CultureInfo.InvariantCulture)
        : value;

    private sealed class Context(string directory) : AssemblyLoadContext(isCollectible: true)
    {
        private readonly Dictionary<string, MemoryStream> _replaced = [];

        public void Replace(string name, MemoryStream image) => _replaced[name] = image;

        protected override Assembly? Load(AssemblyName name)
        {
            if (_replaced.Remove(name.Name!, out MemoryStream? image))
            {
                return LoadFromStream(image);
            }

            string path = Path.Combine(directory, name.Name + ".dll");
            return File.Exists(path) ? LoadFromAssemblyPath(path) : null;
        }
    }
}
