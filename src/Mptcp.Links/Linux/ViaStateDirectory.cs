using System.Text.Json;

namespace Mptcp.Links;

/// <summary>
/// The directory of the owners' records. An instance holds the directory's lock from its creation to its disposal:
/// whoever reads or changes a record, or a kernel setting that owners share, does so below it.
/// </summary>
internal sealed class ViaStateDirectory : IDisposable
{
    private const int LockAttempts = 500;
    private const int LockRetryMilliseconds = 20;

    private readonly string _path;
    private readonly FileStream _lock;

    private ViaStateDirectory(string path, FileStream @lock)
    {
        _path = path;
        _lock = @lock;
    }

    /// <summary>Waits for the lock, up to 10 s, and opens the directory, which is made if need be.</summary>
    public static ViaStateDirectory Open(string path)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException();
        try
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LinkException($"The state directory {path} cannot be made ({e.Message}): run as root.", e);
        }
        string lockFile = Path.Combine(path, "lock");
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                // FileShare.None is flock(LOCK_EX) here; the kernel drops it with the process, however that ends.
                return new ViaStateDirectory(
                    path, new FileStream(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException) when (attempt < LockAttempts)
            {
                Thread.Sleep(LockRetryMilliseconds);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new LinkException($"The lock {lockFile} cannot be taken: {e.Message}", e);
            }
        }
    }

    /// <summary>All records, whoever owns them.</summary>
    public IReadOnlyList<(string File, ViaRecord Record)> ReadAll()
    {
        var records = new List<(string, ViaRecord)>();
        foreach (string file in Directory.EnumerateFiles(_path, "*.json"))
        {
            try
            {
                using FileStream stream = File.OpenRead(file);
                if (JsonSerializer.Deserialize(stream, ViaRecordJson.Default.ViaRecord) is { } record)
                    records.Add((file, record));
            }
            catch (JsonException)
            {
                // Records appear by rename, never in halves: this is none of ours, so it is not ours to judge.
            }
        }
        return records;
    }

    /// <summary>The file for a new record of this process.</summary>
    public string FileOf(ViaRecord record) => Path.Combine(_path, $"{record.NftTable}-{record.Owner.StartTime}.json");

    /// <summary>Puts the record in place of its former version in one step.</summary>
    public static void Write(string file, ViaRecord record)
    {
        string temporary = file + ".new";
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(record, ViaRecordJson.Default.ViaRecord));
        File.Move(temporary, file, overwrite: true);
    }

    public void Dispose() => _lock.Dispose();
}
