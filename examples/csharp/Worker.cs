using StackExchange.Redis;

/// <summary>
/// A worker: does the jobs of a queue until it is told to end (SIGTERM). Then it finishes what it has taken, and takes
/// nothing new.
/// </summary>
internal sealed class Worker(IDatabase database, string queue)
{
    private static async Task Work(Dictionary<string, RedisResult> job)
    {
        await Task.Delay(20);
        Console.WriteLine($"done {job["payload"]}");
    }

    private async Task Do(Dictionary<string, RedisResult> job, string lease)
    {
        var id = (string)job["id"]!;
        try
        {
            await Work(job);
        }
        catch (Exception error)
        {
            await database.ExecuteAsync("JOB.FAIL", queue, id, lease, "ERROR", error.GetType().Name);
            return;
        }
        await database.ExecuteAsync("JOB.DONE", queue, id, lease);
    }

    internal async Task Run(CancellationToken ending)
    {
        var member = $"{Environment.MachineName}-{Environment.ProcessId}";
        while (!ending.IsCancellationRequested)
        {
            // Waits a second at most, so that it ends soon when it is told to.
            var answer = await database.ExecuteAsync("JOB.TAKE", member, 1, queue, "COUNT", 10, "WAIT", 1000);
            var taken = answer.ToDictionary();
            foreach (var job in (RedisResult[])taken["jobs"]!)
            {
                await Do(job.ToDictionary(), (string)taken["lease"]!);
            }
        }
    }
}
