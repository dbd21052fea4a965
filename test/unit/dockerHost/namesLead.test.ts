import { strict as assert } from "node:assert";
import { namesThatLeadElsewhere } from "../../../components/dockerHost/namesLead";

describe("the names of a server's visitors", () => {
    const records: Record<string, string[]> = {
        "server.example": ["198.51.100.7", "2001:db8::7"],
        "www.example": ["198.51.100.7"],
        "six.example": ["2001:db8::7"],
        "old.example": ["203.0.113.5", "203.0.113.6"],
    };
    const lookup = (name: string) => {
        const addresses = records[name];
        if (addresses === undefined) return Promise.reject(new Error(`getaddrinfo ENOTFOUND ${name}`));
        return Promise.resolve(addresses.map((address) => ({ address, family: 4 })));
    };
    const said = (names: string[], host?: string) => namesThatLeadElsewhere(names, host, lookup);

    it("lead to it by one of its addresses", async () => {
        assert.deepEqual(await said(["www.example", "six.example"], "ssh://me@server.example:2222"), []);
    });

    it("are named with where they lead, or that they lead nowhere", async () => {
        const own =
            "and the server server.example is 198.51.100.7, 2001:db8::7: give it a record in DNS with that";
        assert.deepEqual(await said(["old.example", "www.example", "gone.example"], "ssh://server.example"), [
            `old.example leads to 203.0.113.5, 203.0.113.6, ${own}`,
            `gone.example has no address, ${own}`,
        ]);
    });

    it("are not asked for with a wildcard, nor where nothing is known of the server's address", async () => {
        assert.deepEqual(await said(["*.example"], "ssh://server.example"), []);
        for (const host of [undefined, "unix:///var/run/docker.sock", "ssh://me@nowhere.example"])
            assert.deepEqual(await said(["old.example"], host), []);
    });
});
