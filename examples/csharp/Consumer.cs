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
    /// Acknowledges what was done; what fails goes back with all behind it, and is given again after a rest.
    /// </summary>
    private async Task Settle(string lease, RedisResult[] messages)
    {
        var done = new List<object>();
        try
        {
            foreach (var message in messages)
            {
                var fields = message.ToDictionary();
                await Work(fields);
                done.Add((long)fields["position"]);
            }
        }
        catch (Exception error)
        {
            if (done.Count > 0)
            {
                object[] ack = [topic, group, lease, "POSITIONS", done.Count, .. done];
                await database.ExecuteAsync("TOPIC.ACK", ack);
            }
            await database.ExecuteAsync("TOPIC.NACK", topic, group, lease, "CAUSE", error.GetType().Name);
            return;
        }
        await database.ExecuteAsync("TOPIC.ACK", topic, group, lease);
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
