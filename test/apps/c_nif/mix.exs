defmodule Mix.Tasks.Compile.C do
  use Mix.Task.Compiler

  def run(_) do
    File.mkdir_p!("priv")
    headers = Path.join(:code.root_dir(), "usr/include")
    {_, 0} = System.cmd("gcc", ~w(-shared -fPIC -fopenmp -I#{headers} -o priv/nif.so c_src/nif.c))
    Mix.Project.build_structure()
    :ok
  end
end

defmodule Press.MixProject do
  use Mix.Project

  def project do
    [app: :press, version: "1.0.0", compilers: [:c | Mix.compilers()]]
  end
end
