using StackExchange.Redis;

/// <summary>
/// A consumer of a topic: works on its messages in a group until it is told to end (SIGTERM). Then it finishes what it has
/// leased, and takes nothing new.
/// </summary>
internal sealed class Consumer(IDatabase database, string topic, string group)
{
    private static async Task Work(Dictionary<string, RedisResult> message)
    {
        await Task.Delay(20);
        Console.WriteLine($"done {message["payload"]}");
    }

    /// <summary>
    /// Acknowledges what was done; what fails goes back with what is behind it in its key, and is given again after a
    /// rest.
    /// </summary>
    private async Task Settle(string lease, RedisResult[] messages)
    {
        var done = new List<object>();
        var failed = new HashSet<string>();
        foreach (var message in messages)
        {
            var fields = message.ToDictionary();
            var key = (string?)fields["key"];
            if (key is not null && failed.Contains(key))
            {
                continue; // It went back with the one before it.
            }
            var position = (long)fields["position"];
            try
            {
                await Work(fields);
                done.Add(position);
            }
            catch (Exception error)
            {
                object[] nack = [topic, group, lease, "POSITIONS", 1, position, "CAUSE", error.GetType().Name];
                await database.ExecuteAsync("TOPIC.NACK", nack);
                if (key is not null)
                {
                    failed.Add(key);
                }
            }
        }
        if (done.Count > 0)
        {
            object[] ack = [topic, group, lease, "POSITIONS", done.Count, .. done];
            await database.ExecuteAsync("TOPIC.ACK", ack);
        }
    }

    internal async Task Run(CancellationToken ending)
    {
        var member = $"{Environment.MachineName}-{Environment.ProcessId}";
        while (!ending.IsCancellationRequested)
        {
            // Waits a second at most, so that it ends soon when it is told to.
            var answer = await database.ExecuteAsync("TOPIC.READ", topic, group, member, "COUNT", 10, "WAIT", 1000);
            var read = answer.ToDictionary();
            if (!read["lease"].IsNull)
            {
                await Settle((string)read["lease"]!, (RedisResult[])read["messages"]!);
            }
        }
    }
}
