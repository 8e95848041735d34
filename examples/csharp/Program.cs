// A consumer of a topic and a worker of a queue, with StackExchange.Redis:
//
//     examples consumer HOST PORT TOPIC GROUP
//     examples worker HOST PORT QUEUE

using System.Runtime.InteropServices;
using StackExchange.Redis;

using var ending = new CancellationTokenSource();
using var told = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
{
    signal.Cancel = true; // It ends once its work is finished.
    ending.Cancel();
});

// A connection of its own: what waits on it holds nobody else up.
using var connection = await ConnectionMultiplexer.ConnectAsync($"{args[1]}:{args[2]}");
var database = connection.GetDatabase();
await (args[0] == "consumer"
    ? new Consumer(database, args[3], args[4]).Run(ending.Token)
    : new Worker(database, args[3]).Run(ending.Token));
