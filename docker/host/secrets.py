# What knows the values of secrets in docker/host/boot: secrets.py TASK FILE WORD...; the file has the answers of AWS.
#
#   missing         prints the names of parameters that are not there
#   mask            prints its input without the values: as they are, and as JSON and Elixir write them
#   event TEXT      prints the text as an event for CloudWatch Logs
#   run NAMES WORD  becomes docker run with the secrets of these names in the container's environment
import json, os, shutil, sys, time
task, source, *words = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    pages = json.load(file)
secrets = {one["Name"].rpartition("/")[2]: one["Value"] for page in pages for one in page["Parameters"]}
if task == "missing":
    print(*[name for page in pages for name in page["InvalidParameters"]])
elif task == "mask":
    text = sys.stdin.buffer.read().decode(errors="replace")
    forms = [form for value in secrets.values() for form in (value, json.dumps(value, ensure_ascii=False)[1:-1])]
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "[secret]") if len(form) >= 4 else text
    sys.stdout.buffer.write(text.encode())
elif task == "event":
    print(json.dumps([{"timestamp": int(time.time() * 1000), "message": words[0][:30000]}]))
elif task == "run":
    # A secret may have the name of a variable that changes how commands work.
    docker, names = shutil.which("docker"), words[0].split()
    os.environ.update({name: secrets[name] for name in names})
    options = [word for name in names for word in ("--env", name)]
    os.execv(docker, [docker, "--host", "unix:///var/run/docker.sock", "run", "--detach", *options, *words[1:]])
