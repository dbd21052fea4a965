defmodule WhiteWeb do
  def label, do: File.read!(Application.app_dir(:white_web, "priv/static/label.txt"))
end
