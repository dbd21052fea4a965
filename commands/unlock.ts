import { ask, command, CommandError, say } from "./command";
import { isAlive, isFromHere, locksOf } from "./lock";

// STACK: lifts the lock of a Pulumi that was killed, as nobody else would. The lock of a process that lives, or of another
// machine, is its owner's, and ends the command that asks.

command((stack = "") => {
    for (const lock of locksOf(stack) ?? []) {
        const owner = `process ${lock.pid} of ${lock.username}, since ${lock.timestamp}`;
        if (!isFromHere(lock)) {
            throw new CommandError(
                `the stack ${stack} is locked from another machine, by ${owner}: wait for it, or lift its lock (pulumi cancel --stack ${stack})`,
            );
        }
        if (isAlive(lock))
            throw new CommandError(`the stack ${stack} is being deployed by ${owner}: wait for it`);
        say(`lifting the lock of ${owner}: that process is gone`);
        if (ask("pulumi", "cancel", "--stack", stack, "--yes").code !== 0) {
            throw new CommandError(`the lock could not be lifted: pulumi cancel --stack ${stack} says why`);
        }
    }
});
