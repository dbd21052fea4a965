# What the build asks Mix, and what it does with Mix in one VM. ../Dockerfile compiles this file once, in the builder.

defmodule Decanter.Project do
  @moduledoc false

  # Where the steps of the build leave what they have learned, see steps.sh.
  @state System.get_env("DECANTER_STATE", "/decanter/state")

  def write(name, lines) do
    File.mkdir_p!(@state)
    File.write!(Path.join(@state, name), Enum.map(lines, &[to_string(&1), ?\n]))
  end

  def read(name) do
    case File.read(Path.join(@state, name)) do
      {:ok, text} -> String.split(text, "\n", trim: true)
      {:error, _} -> []
    end
  end

  @doc "Whether what the dependencies were compiled with is what Mix says now, with the files that are here now."
  def same? do
    case {read("fingerprint"), fingerprint()} do
      {[deps, own], [deps, own]} -> true
      {[deps, _], [deps, _]} -> not Enum.any?(compiled_env(), &(&1 in own_apps()))
      _ -> false
    end
  end

  @doc """
  A hash of the dependencies and of all configuration but the own apps', which no dependency reads without naming them; and a
  hash of the own apps' configuration. They are short, as a layer holds them and the configuration may hold secrets.
  """
  def fingerprint do
    {own, others} = Enum.split_with(config(), fn {app, _} -> app in own_apps() end)
    deps = [Mix.Project.config()[:deps] | in_apps(fn -> Mix.Project.config()[:deps] end)]

    Enum.map(
      [{deps, others}, own],
      &Integer.to_string(:erlang.phash2(plain(&1), 4_294_967_296), 16)
    )
  end

  @doc "The project's app, or those of the umbrella."
  def own_apps do
    Enum.reject(
      [Mix.Project.config()[:app] | Map.keys(Mix.Project.apps_paths() || %{})],
      &is_nil/1
    )
  end

  @doc "Notes what the steps ask of the project, and returns the folders with assets."
  def note do
    write("own", own_apps())
    write("apps", Enum.sort(Map.values(Mix.Project.apps_paths() || %{})))
    folders = asset_folders()
    write("assets", folders)
    folders
  end

  @doc "The folders with an alias or a task `assets.deploy`: the apps of an umbrella come before itself."
  def asset_folders do
    apps = in_apps(fn -> if alias?(:"assets.deploy"), do: File.cwd!() end)
    task = Path.join(Mix.Project.build_path(), "lib/*/ebin/Elixir.Mix.Tasks.Assets.Deploy.beam")
    root = if alias?(:"assets.deploy") or Path.wildcard(task) != [], do: File.cwd!()
    Enum.reject(apps ++ [root], &is_nil/1)
  end

  defp alias?(name), do: Keyword.has_key?(Mix.Project.config()[:aliases] || [], name)

  # What a function returns in each app of an umbrella.
  defp in_apps(fun) do
    for {app, path} <- Enum.sort(Mix.Project.apps_paths() || %{}) do
      Mix.Project.in_project(app, path, fn _ -> fun.() end)
    end
  end

  defp config do
    file = Mix.Project.config()[:config_path]

    if file && File.regular?(file) do
      {config, _} = Config.Reader.read_imports!(file, env: Mix.env(), target: Mix.target())
      Enum.sort(config)
    else
      []
    end
  end

  # The apps whose configuration was read while something was compiled, other than its own.
  defp compiled_env do
    for file <- Path.wildcard(Path.join(Mix.Project.build_path(), "lib/*/ebin/*.app")),
        {:ok, [{:application, name, options}]} <- [:file.consult(file)],
        name not in own_apps(),
        {app, _, _} <- Keyword.get(options, :compile_env, []),
        uniq: true,
        do: app
  end

  # A term that is the same in each VM: functions, references and compiled patterns are not.
  defp plain(%{__struct__: Regex} = regex), do: {:regex, regex.source, inspect(regex.opts)}
  defp plain(%{__struct__: name} = struct), do: {name, plain(Map.from_struct(struct))}
  defp plain(map) when is_map(map), do: Enum.map(Enum.sort(Map.to_list(map)), &plain/1)
  defp plain([head | tail]), do: [plain(head) | plain(tail)]
  defp plain(tuple) when is_tuple(tuple), do: {:tuple, plain(Tuple.to_list(tuple))}

  defp plain(fun) when is_function(fun) do
    {_, type} = :erlang.fun_info(fun, :type)
    if type == :external, do: inspect(fun), else: type
  end

  defp plain(term) when is_pid(term) or is_port(term) or is_reference(term), do: :opaque
  defp plain(term), do: term
end

defmodule Mix.Tasks.Decanter.Describe do
  @moduledoc false
  use Mix.Task

  # Evaluates the project and all dependencies that are here, and notes what the later steps compare.
  def run(_) do
    Mix.Project.deps_paths()
    Decanter.Project.write("fingerprint", Decanter.Project.fingerprint())
    Decanter.Project.note()
  end
end

defmodule Mix.Tasks.Decanter.Compile do
  @moduledoc false
  use Mix.Task

  # Ends with 42 where the dependencies were compiled for another project than what Mix sees now.
  def run(_) do
    unless Decanter.Project.same?(), do: exit({:shutdown, 42})
    Mix.Task.run("compile")
  end
end

defmodule Mix.Tasks.Decanter.Release do
  @moduledoc false
  use Mix.Task

  # Makes the release RELEASE of the version VERSION in /layers/app/app. Ends with 42 as above, and with 43 where assets are to
  # be made first; ASSETS is that setting, or "made".
  def run(_) do
    # What was fetched with every file of the app is not compared, for a configuration may never say the same twice.
    unless System.get_env("FETCHED") == "all" or Decanter.Project.same?(),
      do: exit({:shutdown, 42})

    folders = Decanter.Project.note()

    case {System.get_env("ASSETS", ""), folders} do
      {none, _} when none in ["made", "none"] -> release()
      {"", []} -> release()
      _ -> Mix.Task.run("compile") && exit({:shutdown, 43})
    end
  end

  defp release do
    name = name(System.get_env("RELEASE", ""), Mix.Project.config()[:releases] || [])
    version = System.get_env("VERSION", "")
    flags = if version == "", do: [], else: ["--version", version]
    Mix.Task.run("release", name ++ flags ++ ["--path", "/layers/app/app"])
  end

  # An app that lists no releases has one, of its own name, which `mix release` does not know by name.
  defp name(wanted, []) do
    app = Mix.Project.config()[:app]

    if app != nil and wanted != to_string(app) do
      Mix.raise(
        "there is no release #{wanted}: mix.exs lists none, and so has the release #{app} alone"
      )
    end

    []
  end

  defp name(wanted, releases) do
    names = Enum.map(Keyword.keys(releases), &to_string/1)

    unless wanted in names,
      do: Mix.raise("there is no release #{wanted}: mix.exs lists #{Enum.join(names, ", ")}")

    [wanted]
  end
end
