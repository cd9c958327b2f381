using System.Globalization;
using System.Net;
using System.Text;

namespace Mptcp.Tool.Experiments;

/// <summary>The report: Markdown, and HTML with the plots beside the tables.</summary>
internal static class LabReport
{
    private const string Style =
        "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}"
        + "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:left}"
        + "td.pass{color:#176d2c}td.FAIL{color:#b00020;font-weight:600}"
        + ".plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(22rem,1fr));gap:1rem}img{width:100%}";

    /// <summary>Writes it, with a folder of plots.</summary>
    public static void Write(IReadOnlyList<Outcome> outcomes, string folder)
    {
        string plots = Path.Combine(folder, "plots");
        Directory.CreateDirectory(plots);
        var markdown = new StringBuilder("# Laboratory\n\n");
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Laboratory</title>\n<style>{Style}</style>\n<h1>Laboratory</h1>\n");
        string summary = Summary(outcomes);
        markdown.Append(CultureInfo.InvariantCulture, $"{summary}\n");
        html.Append(CultureInfo.InvariantCulture, $"<p>{Escape(summary)}</p>\n");
        foreach (Outcome outcome in outcomes)
        {
            IReadOnlyList<string> names = LabPlots.Write(outcome, plots);
            AppendMarkdown(markdown, outcome, names);
            AppendHtml(html, outcome, names);
        }

        File.WriteAllText(Path.Combine(folder, "report.md"), markdown.ToString());
        File.WriteAllText(Path.Combine(folder, "report.html"), html.ToString());
    }

    private static string Summary(IReadOnlyList<Outcome> outcomes)
    {
        bool[] verdicts = [.. outcomes.SelectMany(outcome => Cells(outcome)
            .Select(cell => outcome.Verdict(cell.Result, cell.Algorithm)).OfType<bool>())];
        return $"{verdicts.Count(met => met)} of {verdicts.Length} figures with bounds are within them. "
            + "\"Ours\" is the mean over the seeds and the standard deviation between them.";
    }

    private static IEnumerable<(int Result, int Algorithm)> Cells(Outcome outcome) =>
        from result in Enumerable.Range(0, outcome.Experiment.Results.Count)
        from algorithm in Enumerable.Range(0, outcome.Experiment.Variants.Count)
        select (result, algorithm);

    private static void AppendMarkdown(StringBuilder text, Outcome outcome, IReadOnlyList<string> plots)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n## {outcome.Experiment.Title}\n\n`{outcome.Experiment.Name}`, {outcome.Experiment.Seeds} seeds. {outcome.Experiment.About}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", LabTable.Columns(outcome))} |\n|{string.Concat(LabTable.Columns(outcome).Select(_ => " --- |"))}\n");
        foreach ((int result, int algorithm) in Cells(outcome))
            text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", LabTable.Row(outcome, result, algorithm))} |\n");
        foreach (string remark in Remarks(outcome))
            text.Append(CultureInfo.InvariantCulture, $"\n{remark}\n");
        text.Append('\n');
        foreach (string plot in plots)
            text.Append(CultureInfo.InvariantCulture, $"![{plot}](plots/{plot}.svg)\n");
    }

    private static void AppendHtml(StringBuilder text, Outcome outcome, IReadOnlyList<string> plots)
    {
        text.Append(CultureInfo.InvariantCulture, $"<h2 id=\"{outcome.Experiment.Name}\">{Escape(outcome.Experiment.Title)}</h2>\n<p><code>{outcome.Experiment.Name}</code>, {outcome.Experiment.Seeds} seeds. {Escape(outcome.Experiment.About)}</p>\n<table>\n<tr>");
        foreach (string column in LabTable.Columns(outcome))
            text.Append(CultureInfo.InvariantCulture, $"<th>{column}</th>");
        foreach ((int result, int algorithm) in Cells(outcome))
        {
            string[] row = LabTable.Row(outcome, result, algorithm);
            text.Append(CultureInfo.InvariantCulture, $"</tr>\n<tr>{string.Concat(row.Select(cell => $"<td class=\"{Escape(cell.Split(' ')[0])}\">{Escape(cell)}</td>"))}");
        }

        text.Append("</tr>\n</table>\n");
        foreach (string remark in Remarks(outcome))
            text.Append(CultureInfo.InvariantCulture, $"<p>{Escape(remark)}</p>\n");
        text.Append("<div class=\"plots\">\n");
        foreach (string plot in plots)
            text.Append(CultureInfo.InvariantCulture, $"<img src=\"plots/{plot}.svg\" alt=\"{plot}\">\n");
        text.Append("</div>\n");
    }

    private static IEnumerable<string> Remarks(Outcome outcome) =>
        outcome.Experiment.Results.Where(result => result.Remark.Length > 0).Select(result => $"{result.Name}: {result.Remark}");

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
